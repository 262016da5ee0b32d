/*
title: Control sample
answers: >-
  For each galaxy in a void, one outside of voids in the same bin of mass and redshift; none is
  taken twice. Galaxies of the volume-limited sample, away from its edges; `void` where the zone of the galaxy is in a void, else `wall`.
tables:
  galzone: desivast.galzone
  zonevoid: desivast.zonevoid
  galaxies: fastspecfit.galaxies
parameters:
  algorithm:
    {type: text, default: REVOLVER, values: [REVOLVER, VIDE, ZOBOV], what: Void finder whose zones count.}
  logmstar:
    {type: number, unit: dex(Msun), default: 10.5, minimum: 6, maximum: 13, what: Smallest mass.}
  mass_bin: {type: number, unit: dex, default: 0.1, minimum: 0.001, maximum: 2, what: Width of a bin of mass.}
  z_bin: {type: number, default: 0.01, minimum: 0.0001, maximum: 1, what: Width of a bin of redshift.}
columns:
  void_targetid: {what: Galaxy in a void.}
  wall_targetid: {what: Its control.}
  void_logmstar: {unit: dex(Msun), what: Mass of the first.}
  wall_logmstar: {unit: dex(Msun), what: Mass of the second.}
  void_z: {what: Redshift of the first.}
  wall_z: {what: Redshift of the second.}
  void_sfr: {unit: Msun/yr, what: Star formation of the first.}
  wall_sfr: {unit: Msun/yr, what: Star formation of the second.}
*/
WITH sample AS (
    SELECT g.targetid, g.z, g.logmstar, g.sfr, g.dn4000,
           CASE WHEN zv.void0 IS NULL THEN 'wall' ELSE 'void' END AS environment
      FROM {galzone} gz
      LEFT JOIN {zonevoid} zv USING (algorithm, galactic_cap, zone)
      JOIN {galaxies} g ON g.targetid = gz.target
     WHERE gz.algorithm = %(algorithm)s AND gz.edge = 0 AND gz.out = 0
       AND g.logmstar BETWEEN 6 AND 13 AND g.dn4000 BETWEEN 0.5 AND 5
), placed AS (
    SELECT *, floor(logmstar / %(mass_bin)s::float8) AS mass, floor(z / %(z_bin)s::float8) AS slice
      FROM sample
     WHERE logmstar >= %(logmstar)s::float8
), numbered AS (
    SELECT *, row_number() OVER (PARTITION BY environment, mass, slice ORDER BY targetid) AS place
      FROM placed
)
SELECT v.targetid AS void_targetid, w.targetid AS wall_targetid, v.logmstar AS void_logmstar,
       w.logmstar AS wall_logmstar, v.z AS void_z, w.z AS wall_z, v.sfr AS void_sfr,
       w.sfr AS wall_sfr
  FROM numbered v
  JOIN numbered w USING (mass, slice, place)
 WHERE v.environment = 'void' AND w.environment = 'wall'
 ORDER BY v.targetid
