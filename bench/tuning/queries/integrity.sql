-- class: wide-scan
-- The lab's validation of a load: counts, nulls and ranges in one pass.
SELECT count(*), count(*) FILTER (WHERE targetid IS NULL OR ra IS NULL OR dec IS NULL),
       count(*) FILTER (WHERE logmstar IS NULL), count(*) FILTER (WHERE sfr < 0),
       min(ra), max(ra), min(dec), max(dec), min(z), max(z), min(logmstar), max(logmstar),
       sum((logmstar BETWEEN 6 AND 13 AND d4000 BETWEEN 0.5 AND 5)::int)
  FROM raw_catalogs.fastspecfit_galaxies
