-- class: aggregation
-- Depth of the survey as it grew: effective time by night and camera, and the sum so far.
SELECT night, camera, sum(efftime) AS gained,
       sum(sum(efftime)) OVER (PARTITION BY camera ORDER BY night) AS total,
       avg(median_snr) AS snr
  FROM raw_catalogs.frames
 GROUP BY night, camera ORDER BY night, camera
