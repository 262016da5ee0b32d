/*
title: Galaxies in the spheres of voids
answers: >-
  Which galaxies lie within a void's radius of its centre, in three dimensions. Distances are
  computed from redshifts; VoidFinder's spheres are its maximal ones.
extensions: [labdb]
tables:
  voids: desivast.voids
  maximals: desivast.maximals
  galaxies: fastspecfit.galaxies
parameters:
  algorithm:
    {type: text, default: VoidFinder, values: [REVOLVER, VIDE, ZOBOV, VoidFinder], what: Void finder.}
  radius: {type: number, unit: Mpc/h, default: 15, minimum: 0, what: Smallest void.}
  reach: {type: number, default: 1, minimum: 0, maximum: 3, what: 'How far to look, in radii.'}
  cosmology: {type: text, default: lab, what: 'Row of labdb.cosmology that distances are computed with.'}
columns:
  galactic_cap: {what: NGC or SGC.}
  void: {what: 'Number of the void, within algorithm and cap.'}
  targetid: {what: DESI target.}
  distance: {unit: Mpc/h, what: 'From the centre of the void, comoving.'}
  r_norm: {what: The same in radii of the void.}
*/
WITH sphere AS (
    SELECT algorithm, galactic_cap, void, ra, dec, x, y, z, radius FROM {voids}
     UNION ALL
    SELECT algorithm, galactic_cap, void, ra, dec, x, y, z, radius FROM {maximals}
), deep AS (
    SELECT *, sqrt(x ^ 2 + y ^ 2 + z ^ 2) AS depth, radius * %(reach)s::float8 AS reach
      FROM sphere
     WHERE algorithm = %(algorithm)s AND radius >= %(radius)s::float8
), seen AS MATERIALIZED (
    -- The angle is a column, and no expression: only then is the condition one for the index.
    SELECT *, degrees(asin(least(1, reach / depth))) AS angle,
           greatest((depth - reach) / 2997.92458, 0) AS near,
           (1 - least(depth + reach, 5000) / 5995.84916) ^ -2 - 1 AS far
      FROM deep
)
SELECT s.galactic_cap, s.void, g.targetid, d.distance, d.distance / s.radius AS r_norm
  FROM seen s
  JOIN labdb.cosmology c ON c.name = %(cosmology)s
 -- A sphere looks like a cone: its galaxies are read by the index of the sky. Their redshifts lie
 -- between two bounds, whatever the cosmology: no distance is larger than c/H0 z, for space has grown
 -- faster since, and none is smaller than 2c/H0 (1 - 1/sqrt(1 + z)), that of matter alone. They are
 -- written so that the index of redshifts, which would find half of all galaxies, is left alone.
 CROSS JOIN LATERAL (
       SELECT targetid, ra, dec, labdb.comoving_distance_h(z, c) AS depth
         FROM {galaxies}
        WHERE labdb.in_cone(ra, dec, s.ra, s.dec, s.angle) 
          AND abs(z - (s.near + s.far) / 2) <= (s.far - s.near) / 2
       OFFSET 0) g
 CROSS JOIN LATERAL (
       SELECT sqrt((g.depth * cosd(g.dec) * cosd(g.ra) - s.x) ^ 2
                   + (g.depth * cosd(g.dec) * sind(g.ra) - s.y) ^ 2
                   + (g.depth * sind(g.dec) - s.z) ^ 2) AS distance) d
 WHERE d.distance <= s.reach
 ORDER BY s.galactic_cap, s.void, d.distance, g.targetid
