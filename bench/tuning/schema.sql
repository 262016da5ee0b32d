-- The lab's tables, as its own scripts make them, without their indexes: those come after the load.
CREATE EXTENSION IF NOT EXISTS q3c;
CREATE EXTENSION IF NOT EXISTS cube;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
CREATE SCHEMA raw_catalogs;
CREATE SCHEMA science_analysis;

CREATE TABLE raw_catalogs.fastspecfit_galaxies (
    targetid            bigint PRIMARY KEY,
    ra                  double precision NOT NULL,
    dec                 double precision NOT NULL,
    z                   double precision NOT NULL,
    z_err               double precision,
    logmstar            real,
    logmstar_err        real,
    sfr                 real,
    sfr_err             real,
    age_gyr             real,
    metallicity         real,
    d4000               real,
    healpix_id          integer,
    source_file         text,
    ingestion_timestamp timestamptz DEFAULT now()
);

CREATE TABLE raw_catalogs.desivast_voids (
    void_id             serial PRIMARY KEY,
    algorithm           text NOT NULL,
    original_void_index bigint NOT NULL,
    ra                  double precision,
    dec                 double precision,
    redshift            double precision,
    x_mpc_h             double precision NOT NULL,
    y_mpc_h             double precision NOT NULL,
    z_mpc_h             double precision NOT NULL,
    radius_mpc_h        double precision NOT NULL,
    edge_flag           integer,
    galactic_cap        text NOT NULL,
    source_file         text,
    ingestion_timestamp timestamptz DEFAULT now()
);

-- TARGET is the galaxy's TARGETID; x, y and z are Mpc/h.
CREATE TABLE raw_catalogs.desivast_galzone (
    algorithm    text NOT NULL,
    galactic_cap text NOT NULL,
    gal          bigint NOT NULL,
    target       bigint NOT NULL,
    x            double precision NOT NULL,
    y            double precision NOT NULL,
    z            double precision NOT NULL,
    zone         bigint NOT NULL,
    depth        bigint,
    edge         bigint,
    out          bigint
);

CREATE TABLE raw_catalogs.desivast_zonevoid (
    algorithm    text NOT NULL,
    galactic_cap text NOT NULL,
    zone         bigint NOT NULL,
    void0        bigint NOT NULL,
    void1        bigint NOT NULL
);

CREATE TABLE raw_catalogs.exposures (
    night        integer NOT NULL,
    expid        integer PRIMARY KEY,
    tileid       integer NOT NULL,
    program      text NOT NULL,
    mjd          double precision NOT NULL,
    exptime      real,
    efftime      real,
    airmass      real,
    seeing       real,
    transparency real,
    tilera       double precision,
    tiledec      double precision
);

CREATE TABLE raw_catalogs.frames (
    night      integer NOT NULL,
    expid      integer NOT NULL,
    petal      smallint NOT NULL,
    camera     text NOT NULL,
    mjd        double precision NOT NULL,
    efftime    real,
    median_snr real,
    sky_mag    real
);
