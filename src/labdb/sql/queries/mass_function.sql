/*
title: Stellar mass function by environment
answers: >-
  How the stellar masses of galaxies are distributed, in voids and outside. Galaxies of the volume-limited sample, away from its edges; `void` where the zone of the galaxy is in a void, else `wall`.
tables:
  galzone: desivast.galzone
  zonevoid: desivast.zonevoid
  galaxies: fastspecfit.galaxies
parameters:
  algorithm:
    {type: text, default: REVOLVER, values: [REVOLVER, VIDE, ZOBOV], what: Void finder whose zones count.}
  bin: {type: number, unit: dex, default: 0.25, minimum: 0.01, maximum: 2, what: Width of a bin.}
columns:
  environment: {what: void or wall.}
  logmstar: {unit: dex(Msun), what: Middle of the bin.}
  galaxies: {what: Galaxies in the bin.}
  per_dex: {unit: 1/dex, what: Share of the galaxies of that environment for each dex.}
plot: {kind: lines, x: logmstar, y: per_dex, group: environment, log: true}
*/
WITH sample AS (
    SELECT g.targetid, g.z, g.logmstar, g.sfr, g.dn4000,
           CASE WHEN zv.void0 IS NULL THEN 'wall' ELSE 'void' END AS environment
      FROM {galzone} gz
      LEFT JOIN {zonevoid} zv USING (algorithm, galactic_cap, zone)
      JOIN {galaxies} g ON g.targetid = gz.target
     WHERE gz.algorithm = %(algorithm)s AND gz.edge = 0 AND gz.out = 0
       AND g.logmstar BETWEEN 6 AND 13 AND g.dn4000 BETWEEN 0.5 AND 5
), binned AS (
    SELECT environment, floor(logmstar / %(bin)s::float8) AS place, count(*) AS galaxies
      FROM sample
     GROUP BY environment, place
)
SELECT environment, (place + 0.5) * %(bin)s::float8 AS logmstar, galaxies,
       galaxies / (sum(galaxies) OVER (PARTITION BY environment))::float8 / %(bin)s::float8 AS per_dex
  FROM binned
 ORDER BY environment, place
