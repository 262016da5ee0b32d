/*
title: Slice through the survey
answers: >-
  Galaxies and voids between two heights above the equator, for a map: where galaxies are, which of
  them are in voids, and the circles that the voids' spheres leave in the middle of the slice.
tables:
  voids: desivast.voids
  galzone: desivast.galzone
  zonevoid: desivast.zonevoid
parameters:
  algorithm:
    {type: text, default: REVOLVER, values: [REVOLVER, VIDE, ZOBOV], what: Void finder whose zones count.}
  galactic_cap: {type: text, default: NGC, values: [NGC, SGC], what: Galactic cap.}
  z_from: {type: number, unit: Mpc/h, default: 100, what: Lower side of the slice.}
  z_to: {type: number, unit: Mpc/h, default: 140, what: Upper side of the slice.}
columns:
  what: {what: 'wall or in a void: a galaxy; sphere of a void: a circle.'}
  x: {unit: Mpc/h, what: Comoving X.}
  y: {unit: Mpc/h, what: Comoving Y.}
  radius: {unit: Mpc/h, what: Radius of the circle that is cut out of a void; NULL for a galaxy.}
plot: {kind: points, x: x, y: y, group: what, radius: radius}
*/
SELECT CASE WHEN zv.void0 IS NULL THEN 'wall' ELSE 'in a void' END AS what, gz.x, gz.y,
       NULL::float8 AS radius
  FROM {galzone} gz
  LEFT JOIN {zonevoid} zv USING (algorithm, galactic_cap, zone)
 WHERE gz.algorithm = %(algorithm)s AND gz.galactic_cap = %(galactic_cap)s AND gz.out = 0
   AND gz.z BETWEEN %(z_from)s::float8 AND %(z_to)s::float8
 UNION ALL
SELECT 'sphere of a void', v.x, v.y, sqrt(v.radius ^ 2 - h.height ^ 2)
  FROM {voids} v
 CROSS JOIN LATERAL (
       SELECT abs(v.z - (%(z_from)s::float8 + %(z_to)s::float8) / 2) AS height) h
 WHERE v.algorithm = %(algorithm)s AND v.galactic_cap = %(galactic_cap)s AND h.height < v.radius
 ORDER BY what, x, y
