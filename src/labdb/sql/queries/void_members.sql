/*
title: Members of a void
answers: >-
  The galaxies of one void, by the zones of the void finder itself, and how far from its centre they
  are. GALZONE leads from a galaxy to its zone, ZONEVOID from there to the void.
tables:
  voids: desivast.voids
  galzone: desivast.galzone
  zonevoid: desivast.zonevoid
  galaxies: fastspecfit.galaxies
parameters:
  algorithm:
    {type: text, default: REVOLVER, values: [REVOLVER, VIDE, ZOBOV], what: Void finder whose zones count.}
  galactic_cap: {type: text, default: NGC, values: [NGC, SGC], what: Galactic cap of the void.}
  void: {type: integer, minimum: 0, what: 'Number of the void, within algorithm and cap.'}
columns:
  targetid: {what: DESI target.}
  z: {what: Redshift.}
  logmstar: {unit: dex(Msun), what: Logarithm of the stellar mass.}
  sfr: {unit: Msun/yr, what: Star formation rate.}
  edge: {what: 1 where the cell of the galaxy touches the edge of the survey.}
  distance: {unit: Mpc/h, what: 'From the centre of the void, comoving.'}
  r_norm: {what: 'The same in radii of the void; zones are no spheres, it may be above 1.'}
*/
SELECT g.targetid, g.z, g.logmstar, g.sfr, gz.edge, d.distance, d.distance / v.radius AS r_norm
  FROM {voids} v
  JOIN {zonevoid} zv
    ON zv.algorithm = v.algorithm AND zv.galactic_cap = v.galactic_cap AND zv.void0 = v.void
  JOIN {galzone} gz
    ON gz.algorithm = zv.algorithm AND gz.galactic_cap = zv.galactic_cap AND gz.zone = zv.zone
  JOIN {galaxies} g ON g.targetid = gz.target
 CROSS JOIN LATERAL (
       SELECT sqrt((gz.x - v.x) ^ 2 + (gz.y - v.y) ^ 2 + (gz.z - v.z) ^ 2) AS distance) d
 WHERE v.algorithm = %(algorithm)s AND v.galactic_cap = %(galactic_cap)s AND v.void = %(void)s
 ORDER BY r_norm, targetid
