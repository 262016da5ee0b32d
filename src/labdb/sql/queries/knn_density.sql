/*
title: Density by the k-th neighbour
answers: >-
  How densely galaxies stand around each galaxy of a region: k by the area of the circle that reaches
  its k-th neighbour on the sky, of those within a slice of redshift. NULL where there is none within
  the angle that is looked at.
extensions: [labdb]
tables:
  galaxies: fastspecfit.galaxies
parameters:
  ra: {type: number, unit: deg, minimum: 0, maximum: 360, what: 'Right ascension of the region, ICRS.'}
  dec: {type: number, unit: deg, minimum: -90, maximum: 90, what: 'Declination of the region, ICRS.'}
  radius: {type: number, unit: deg, default: 1, minimum: 0, maximum: 10, what: Radius of the region.}
  k: {type: integer, default: 5, minimum: 1, maximum: 1000, what: Which neighbour.}
  dz: {type: number, default: 0.005, minimum: 0, maximum: 1, what: Half of the slice of redshift.}
  within: {type: number, unit: deg, default: 0.5, minimum: 0, maximum: 10, what: Angle to look within.}
  logmstar: {type: number, unit: dex(Msun), default: 6, what: Smallest mass of the galaxies of the region.}
  cosmology: {type: text, default: lab, what: 'Row of labdb.cosmology that distances are computed with.'}
columns:
  targetid: {what: DESI target.}
  z: {what: Redshift.}
  separation: {unit: deg, what: Angle to the k-th neighbour.}
  distance: {unit: Mpc/h, what: 'The same across the line of sight, comoving.'}
  density: {unit: h2/Mpc2, what: Galaxies by area.}
*/
SELECT s.targetid, s.z, n.separation, d.distance,
       %(k)s::int / (pi() * nullif(d.distance, 0) ^ 2) AS density
  FROM {galaxies} s
  JOIN labdb.cosmology c ON c.name = %(cosmology)s
  LEFT JOIN LATERAL (
       SELECT labdb.separation(s.ra, s.dec, g.ra, g.dec) AS separation
         FROM {galaxies} g
        WHERE labdb.in_cone(g.ra, g.dec, s.ra, s.dec, %(within)s::float8)
          AND g.targetid <> s.targetid AND abs(g.z - s.z) < %(dz)s::float8
        ORDER BY separation
       OFFSET %(k)s::int - 1 LIMIT 1) n ON true
 CROSS JOIN LATERAL (
       SELECT radians(n.separation) * labdb.comoving_distance_h(s.z, c) AS distance) d
 WHERE labdb.in_cone(s.ra, s.dec, %(ra)s::float8, %(dec)s::float8, %(radius)s::float8)
   AND s.logmstar >= %(logmstar)s::float8
 ORDER BY s.targetid
