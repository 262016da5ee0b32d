/*
title: Population of each void
answers: >-
  How many galaxies each void of an algorithm has, their mass and star formation, and how far from
  its centre they are. Voids without a member are among them.
tables:
  voids: desivast.voids
  galzone: desivast.galzone
  zonevoid: desivast.zonevoid
  galaxies: fastspecfit.galaxies
parameters:
  algorithm:
    {type: text, default: REVOLVER, values: [REVOLVER, VIDE, ZOBOV], what: Void finder whose zones count.}
  radius: {type: number, unit: Mpc/h, default: 0, minimum: 0, what: Smallest void.}
columns:
  galactic_cap: {what: NGC or SGC.}
  void: {what: 'Number of the void, within algorithm and cap.'}
  radius: {unit: Mpc/h, what: Effective radius.}
  members: {what: Galaxies.}
  at_edge: {what: Of them those whose cell touches the edge of the survey.}
  r_norm: {what: Mean distance from the centre in radii of the void.}
  logmstar: {unit: dex(Msun), what: Mean logarithm of the stellar mass.}
  sfr: {unit: Msun/yr, what: Mean star formation rate.}
*/
SELECT v.galactic_cap, v.void, v.radius, count(g.targetid) AS members,
       count(*) FILTER (WHERE gz.edge = 1) AS at_edge,
       avg(sqrt((gz.x - v.x) ^ 2 + (gz.y - v.y) ^ 2 + (gz.z - v.z) ^ 2) / v.radius) AS r_norm,
       avg(g.logmstar::float8) AS logmstar, avg(g.sfr::float8) AS sfr
  FROM {voids} v
  LEFT JOIN {zonevoid} zv
    ON zv.algorithm = v.algorithm AND zv.galactic_cap = v.galactic_cap AND zv.void0 = v.void
  LEFT JOIN {galzone} gz
    ON gz.algorithm = zv.algorithm AND gz.galactic_cap = zv.galactic_cap AND gz.zone = zv.zone
  LEFT JOIN {galaxies} g ON g.targetid = gz.target
 WHERE v.algorithm = %(algorithm)s AND v.radius >= %(radius)s::float8
 GROUP BY v.galactic_cap, v.void, v.radius
 ORDER BY v.galactic_cap, v.void
