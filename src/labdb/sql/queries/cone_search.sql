/*
title: Cone search
answers: Which galaxies lie within an angle of a position, the nearest first.
extensions: [labdb]
tables:
  galaxies: fastspecfit.galaxies
parameters:
  ra: {type: number, unit: deg, minimum: 0, maximum: 360, what: 'Right ascension of the centre, ICRS.'}
  dec: {type: number, unit: deg, minimum: -90, maximum: 90, what: 'Declination of the centre, ICRS.'}
  radius: {type: number, unit: deg, default: 0.1, minimum: 0, maximum: 180, what: Radius of the cone.}
  z_min: {type: number, default: -1, what: Lowest redshift.}
  z_max: {type: number, default: 10, what: Highest redshift.}
columns:
  targetid: {what: DESI target.}
  ra: {unit: deg, what: Right ascension.}
  dec: {unit: deg, what: Declination.}
  z: {what: Redshift.}
  logmstar: {unit: dex(Msun), what: Logarithm of the stellar mass.}
  sfr: {unit: Msun/yr, what: Star formation rate.}
  separation: {unit: arcsec, what: Angle from the centre.}
*/
SELECT targetid, ra, dec, z, logmstar, sfr,
       labdb.separation(ra, dec, %(ra)s::float8, %(dec)s::float8) * 3600 AS separation
  FROM {galaxies}
 WHERE labdb.in_cone(ra, dec, %(ra)s::float8, %(dec)s::float8, %(radius)s::float8)
   AND z BETWEEN %(z_min)s AND %(z_max)s
 ORDER BY separation, targetid
