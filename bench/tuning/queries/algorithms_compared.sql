-- class: join-and-membership
-- Voids that two algorithms found at the same place.
SELECT a.void_id AS one, b.void_id AS other, a.radius_mpc_h, b.radius_mpc_h
  FROM raw_catalogs.desivast_voids a
  JOIN raw_catalogs.desivast_voids b
    ON b.algorithm = 'VoidFinder'
   AND cube(ARRAY[b.x_mpc_h, b.y_mpc_h, b.z_mpc_h])
       <@ cube_enlarge(cube(ARRAY[a.x_mpc_h, a.y_mpc_h, a.z_mpc_h]), a.radius_mpc_h, 3)
 WHERE a.algorithm = %(algorithm)s
