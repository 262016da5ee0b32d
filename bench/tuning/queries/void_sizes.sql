-- class: aggregation
-- draws: 10
-- Size distribution of voids by algorithm.
SELECT algorithm, galactic_cap, count(*), avg(radius_mpc_h), stddev(radius_mpc_h),
       percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY radius_mpc_h)
  FROM raw_catalogs.desivast_voids
 WHERE radius_mpc_h > %(radius)s
 GROUP BY algorithm, galactic_cap
