-- Extended statistics on what the aggregations group by: PostgreSQL counts their values then, in
-- place of those of the columns in them. Not tuning: one contender has them, to see what they do.
CREATE STATISTICS raw_catalogs.bench_main_sequence
    ON (width_bucket(z, 0, 0.5, 10)) FROM raw_catalogs.fastspecfit_galaxies;
CREATE STATISTICS raw_catalogs.bench_mass_function
    ON (width_bucket(z, 0, 0.6, 6)), (width_bucket(logmstar, 8, 12.5, 45))
    FROM raw_catalogs.fastspecfit_galaxies;
CREATE STATISTICS raw_catalogs.bench_median_star_formation
    ON (width_bucket(z, 0, 0.5, 10)), (width_bucket(logmstar, 8, 12, 8))
    FROM raw_catalogs.fastspecfit_galaxies;
CREATE STATISTICS raw_catalogs.bench_quenched_fraction
    ON (round(logmstar::numeric, 1)) FROM raw_catalogs.fastspecfit_galaxies;
CREATE STATISTICS raw_catalogs.bench_pixel_counts
    ON (q3c_ang2ipix(ra, dec) >> 38) FROM raw_catalogs.fastspecfit_galaxies;
