-- The lab's indexes. Never one on (ra, dec): the planner would leave q3c's for it.
CREATE INDEX ON raw_catalogs.fastspecfit_galaxies (q3c_ang2ipix(ra, dec));
CREATE INDEX ON raw_catalogs.fastspecfit_galaxies (ra);
CREATE INDEX ON raw_catalogs.fastspecfit_galaxies (dec);
CREATE INDEX ON raw_catalogs.fastspecfit_galaxies (z);
CREATE INDEX ON raw_catalogs.fastspecfit_galaxies (logmstar);
CREATE INDEX ON raw_catalogs.fastspecfit_galaxies (sfr);
CREATE INDEX ON raw_catalogs.desivast_voids (algorithm);
CREATE INDEX ON raw_catalogs.desivast_voids (radius_mpc_h);
CREATE INDEX ON raw_catalogs.desivast_voids (q3c_ang2ipix(ra, dec));
CREATE INDEX ON raw_catalogs.desivast_voids
    USING gist (cube(ARRAY[x_mpc_h, y_mpc_h, z_mpc_h]));
CREATE INDEX ON raw_catalogs.desivast_galzone (target);
CREATE INDEX ON raw_catalogs.desivast_galzone (algorithm, galactic_cap, zone);
-- One algorithm lists every galaxy of the volume-limited sample: positions for 3-D membership.
CREATE INDEX desivast_galzone_position ON raw_catalogs.desivast_galzone
    USING gist (cube(ARRAY[x, y, z])) WHERE algorithm = 'ZOBOV';
CREATE INDEX ON raw_catalogs.desivast_zonevoid (algorithm, galactic_cap, zone);
CREATE INDEX ON raw_catalogs.frames (expid);
CREATE INDEX ON raw_catalogs.frames USING brin (night);
