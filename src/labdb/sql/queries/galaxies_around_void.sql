/*
title: Galaxies around a void
answers: >-
  Galaxies on the line of sight to a void, within its redshift, whether they are its members or not.
extensions: [labdb]
tables:
  voids: desivast.voids
  galaxies: fastspecfit.galaxies
parameters:
  algorithm:
    {type: text, default: REVOLVER, values: [REVOLVER, VIDE, ZOBOV], what: Void finder whose zones count.}
  galactic_cap: {type: text, default: NGC, values: [NGC, SGC], what: Galactic cap of the void.}
  void: {type: integer, minimum: 0, what: 'Number of the void, within algorithm and cap.'}
  radius: {type: number, unit: deg, default: 2, minimum: 0, maximum: 90, what: Angle around its centre.}
  dz: {type: number, default: 0.01, minimum: 0, maximum: 10, what: Half of the slice of redshift.}
columns:
  targetid: {what: DESI target.}
  ra: {unit: deg, what: Right ascension.}
  dec: {unit: deg, what: Declination.}
  z: {what: Redshift.}
  logmstar: {unit: dex(Msun), what: Logarithm of the stellar mass.}
  dn4000: {what: Break at 4000 Angstrom.}
  separation: {unit: deg, what: Angle from the centre of the void.}
*/
SELECT g.targetid, g.ra, g.dec, g.z, g.logmstar, g.dn4000,
       labdb.separation(g.ra, g.dec, v.ra, v.dec) AS separation
  FROM {voids} v
 -- The cone first, by its index; then the slice.
 CROSS JOIN LATERAL (
       SELECT targetid, ra, dec, z, logmstar, dn4000
         FROM {galaxies}
        WHERE labdb.in_cone(ra, dec, v.ra, v.dec, %(radius)s::float8)
       OFFSET 0) g
 WHERE v.algorithm = %(algorithm)s AND v.galactic_cap = %(galactic_cap)s AND v.void = %(void)s
   AND g.z BETWEEN v.redshift - %(dz)s::float8 AND v.redshift + %(dz)s::float8
 ORDER BY separation, targetid
