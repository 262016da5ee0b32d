-- class: point-and-cone
-- draws: 100
-- The ten voids nearest to a point of space.
SELECT void_id, algorithm, radius_mpc_h,
       cube(ARRAY[x_mpc_h, y_mpc_h, z_mpc_h]) <-> cube(ARRAY[%(x)s, %(y)s, %(zz)s]) AS distance
  FROM raw_catalogs.desivast_voids
 ORDER BY cube(ARRAY[x_mpc_h, y_mpc_h, z_mpc_h]) <-> cube(ARRAY[%(x)s, %(y)s, %(zz)s])
 LIMIT 10
