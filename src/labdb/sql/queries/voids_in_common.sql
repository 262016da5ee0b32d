/*
title: Voids that two algorithms have in common
answers: >-
  For each void of one algorithm the nearest void of another one, where its centre lies within the
  first one's radius.
tables:
  voids: desivast.voids
  maximals: desivast.maximals
parameters:
  algorithm:
    {type: text, default: REVOLVER, values: [REVOLVER, VIDE, ZOBOV, VoidFinder], what: The first void finder.}
  other:
    {type: text, default: VoidFinder, values: [REVOLVER, VIDE, ZOBOV, VoidFinder], what: The second.}
columns:
  galactic_cap: {what: NGC or SGC.}
  void: {what: Void of the first.}
  other_void: {what: Void of the second.}
  radius: {unit: Mpc/h, what: Radius of the first.}
  other_radius: {unit: Mpc/h, what: Radius of the second.}
  distance: {unit: Mpc/h, what: Between their centres.}
*/
WITH every AS (
    SELECT algorithm, galactic_cap, void, x, y, z, radius FROM {voids}
     UNION ALL
    SELECT algorithm, galactic_cap, void, x, y, z, radius FROM {maximals}
), pair AS (
    SELECT a.galactic_cap, a.void, b.void AS other_void, a.radius, b.radius AS other_radius,
           sqrt((a.x - b.x) ^ 2 + (a.y - b.y) ^ 2 + (a.z - b.z) ^ 2) AS distance
      FROM every a
      JOIN every b USING (galactic_cap)
     WHERE a.algorithm = %(algorithm)s AND b.algorithm = %(other)s
)
SELECT *
  FROM (SELECT DISTINCT ON (galactic_cap, void) *
          FROM pair
         WHERE distance < radius
         ORDER BY galactic_cap, void, distance, other_void) AS nearest
 ORDER BY galactic_cap, void
