-- class: join-and-membership
-- Galaxies inside the spheres of an algorithm's larger voids: a search in three dimensions.
SELECT v.void_id, count(*) AS members,
       avg(sqrt((z.x - v.x_mpc_h) ^ 2 + (z.y - v.y_mpc_h) ^ 2 + (z.z - v.z_mpc_h) ^ 2)
           / v.radius_mpc_h) AS r_norm
  FROM raw_catalogs.desivast_voids v
  JOIN raw_catalogs.desivast_galzone z
    ON z.algorithm = 'ZOBOV'
   AND cube(ARRAY[z.x, z.y, z.z])
       <@ cube_enlarge(cube(ARRAY[v.x_mpc_h, v.y_mpc_h, v.z_mpc_h]), v.radius_mpc_h, 3)
   AND (z.x - v.x_mpc_h) ^ 2 + (z.y - v.y_mpc_h) ^ 2 + (z.z - v.z_mpc_h) ^ 2
       < v.radius_mpc_h ^ 2
 WHERE v.algorithm = %(algorithm)s AND v.radius_mpc_h > 15
 GROUP BY v.void_id
