/*
title: Voids near a position
answers: >-
  Which voids have their centre within an angle of a position and within a slice of redshift.
  VoidFinder's voids have no redshift and are not among them.
extensions: [labdb]
tables:
  voids: desivast.voids
parameters:
  ra: {type: number, unit: deg, minimum: 0, maximum: 360, what: 'Right ascension of the position, ICRS.'}
  dec: {type: number, unit: deg, minimum: -90, maximum: 90, what: 'Declination of the position, ICRS.'}
  z: {type: number, minimum: 0, maximum: 10, what: Redshift of the position.}
  radius: {type: number, unit: deg, default: 10, minimum: 0, maximum: 180, what: Angle to look within.}
  dz: {type: number, default: 0.02, minimum: 0, maximum: 10, what: Half of the slice of redshift.}
columns:
  algorithm: {what: Void finder.}
  galactic_cap: {what: NGC or SGC.}
  void: {what: 'Number of the void, within algorithm and cap.'}
  separation: {unit: deg, what: Angle between the position and the centre.}
  redshift: {what: Redshift of the centre.}
  radius: {unit: Mpc/h, what: Effective radius.}
*/
SELECT algorithm, galactic_cap, void,
       labdb.separation(ra, dec, %(ra)s::float8, %(dec)s::float8) AS separation, redshift, radius
  FROM {voids}
 WHERE labdb.in_cone(ra, dec, %(ra)s::float8, %(dec)s::float8, %(radius)s::float8)
   AND redshift BETWEEN %(z)s::float8 - %(dz)s::float8 AND %(z)s::float8 + %(dz)s::float8
 ORDER BY separation, algorithm, galactic_cap, void
