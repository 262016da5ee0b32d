/*
title: Sizes of voids by algorithm
answers: >-
  How many voids each algorithm finds in each cap, and how large they are. VoidFinder's are its
  maximal spheres.
tables:
  voids: desivast.voids
  maximals: desivast.maximals
parameters:
  radius: {type: number, unit: Mpc/h, default: 0, minimum: 0, what: Smallest void.}
columns:
  algorithm: {what: Void finder.}
  galactic_cap: {what: NGC or SGC.}
  voids: {what: Voids.}
  mean: {unit: Mpc/h, what: Mean radius.}
  median: {unit: Mpc/h, what: Median radius.}
  deviation: {unit: Mpc/h, what: Standard deviation of the radii.}
  largest: {unit: Mpc/h, what: Largest radius.}
*/
SELECT algorithm, galactic_cap, count(*) AS voids, avg(radius) AS mean,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY radius) AS median, stddev(radius) AS deviation,
       max(radius) AS largest
  FROM (SELECT algorithm, galactic_cap, radius FROM {voids}
         UNION ALL
        SELECT algorithm, galactic_cap, radius FROM {maximals}) AS every
 WHERE radius >= %(radius)s::float8
 GROUP BY algorithm, galactic_cap
 ORDER BY algorithm, galactic_cap
