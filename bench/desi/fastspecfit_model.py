"""The Felis file of all that FastSpecFit measures: a thousand columns from few patterns.

python bench/desi/fastspecfit_model.py > src/labdb/models/fastspecfit_full.yaml

Names, types and units are those of FastSpecFit's data model (version 3, HDUs METADATA, SPECPHOT and
FASTSPEC of files of HEALPix coadds). The numbers of columns, 54, 127 and 887, are those of the
files of iron v3.0. Two things follow from these numbers alone, and are optional when files are
loaded: the line LYALPHA and the column ZWARN_RR.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

MODEL, VERSION = "fastspecfit_full", "3.0"
DENSITY = "10**(-17) erg/(s cm2 Angstrom)"
FLUX = "10**(-17) erg/(s cm2)"
VELOCITY, WEIGHT = "km/s", "stat.weight"
ONE_OVER_VELOCITY = "s2/km2"
BANDS = ("G", "R", "Z", "W1", "W2", "W3", "W4")
ABSOLUTE = (
    *(("10", f"DECAM_{band}", f"DECam {band.lower()} band at z = 1.0") for band in "GRZ"),
    *(("00", band, f"Johnson-Cousins {band} band at z = 0.0") for band in "UBV"),
    ("00", "TWOMASS_J", "2MASS J band at z = 0.0"),
    *(("01", f"SDSS_{band}", f"SDSS {band.lower()} band at z = 0.1") for band in "UGRIZ"),
    ("01", "W1", "WISE W1 band at z = 0.1"),
)
LINES = (
    "LYALPHA", "NV_1240", "OI_1304", "SILIV_1396", "CIV_1549", "HEII_1640", "ALIII_1857",
    "SILIII_1892", "CIII_1908", "MGII_2796", "MGII_2803", "NEV_3346", "NEV_3426", "OII_3726",
    "OII_3729", "NEIII_3869", "H6", "H6_BROAD", "HEPSILON", "HEPSILON_BROAD", "HDELTA",
    "HDELTA_BROAD", "HGAMMA", "HGAMMA_BROAD", "OIII_4363", "HEI_4471", "HEII_4686", "HBETA",
    "HBETA_BROAD", "OIII_4959", "OIII_5007", "NII_5755", "HEI_5876", "OI_6300", "SIII_6312",
    "NII_6548", "HALPHA", "HALPHA_BROAD", "NII_6584", "SII_6716", "SII_6731", "ARIII_7135",
    "OII_7320", "OII_7330", "SIII_9069", "SIII_9532",
)  # fmt: skip
OF_A_LINE = (
    ("MODELAMP", DENSITY, "phot.flux.density;spect.line", "Amplitude of the model of {}."),
    ("AMP", DENSITY, "phot.flux.density;spect.line", "Amplitude of {}."),
    ("AMP_IVAR", "", WEIGHT, "Inverse variance of the amplitude of {}."),
    ("FLUX", FLUX, "phot.flux;spect.line", "Flux of {}, of a Gaussian."),
    ("FLUX_IVAR", "", WEIGHT, "Inverse variance of the flux of {}."),
    ("BOXFLUX", FLUX, "phot.flux;spect.line", "Flux of {}, summed over its pixels."),
    ("BOXFLUX_IVAR", "", WEIGHT, "Inverse variance of the summed flux of {}."),
    ("VSHIFT", VELOCITY, "phys.veloc;spect.line", "Velocity of {}, relative to the redshift."),
    ("VSHIFT_IVAR", ONE_OVER_VELOCITY, WEIGHT, "Inverse variance of the velocity of {}."),
    ("SIGMA", VELOCITY, "spect.line.width;phys.veloc", "Gaussian width of {}."),
    ("SIGMA_IVAR", ONE_OVER_VELOCITY, WEIGHT, "Inverse variance of the width of {}."),
    ("CONT", DENSITY, "phot.flux.density;spect.continuum", "Continuum at the centre of {}."),
    ("CONT_IVAR", "", WEIGHT, "Inverse variance of the continuum at {}."),
    ("EW", "Angstrom", "spect.line.eqWidth", "Equivalent width of {}, in the rest frame."),
    ("EW_IVAR", "Angstrom-2", WEIGHT, "Inverse variance of the equivalent width of {}."),
    ("FLUX_LIMIT", "", "phot.flux;stat.max", "Upper limit of the flux of {}, one sigma."),
    ("CHI2", "", "stat.fit.chi2", "Chi squared of the fit of {}."),
    ("NPIX", "", "meta.number", "Pixels that belong to {}."),
)
MOMENTS = ("CIV_1549", "MGII_2800", "HBETA", "OIII_5007")
RATIOS = {
    "MGII": "MgII 2796 to 2803", "OII": "[OII] 3726 to 3729", "OIII": "[OIII] 5007 to 4959",
    "NII": "[NII] 6584 to 6548", "SII": "[SII] 6731 to 6716", "OIIRED": "[OII] 7320 to 7330",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A column: *what* it is, and its Felis *datatype*; *size* of its text or array."""

    name: str
    datatype: str
    unit: str
    ucd: str
    what: str
    size: int | None = None


def _real(name: str, unit: str, ucd: str, what: str) -> Column:
    return Column(name, "float", unit, ucd, what)


def identity() -> Iterator[Column]:
    """Yield the columns that all three HDUs begin with."""
    yield Column("TARGETID", "long", "", "meta.id;meta.main", "DESI target.")
    yield Column(
        "SURVEY", "string", "", "meta.code", "Survey: main, sv1, sv2, sv3, special or cmx.", 7
    )
    yield Column("PROGRAM", "string", "", "meta.code", "Program: bright, dark, backup or other.", 6)
    yield Column(
        "HEALPIX", "int", "", "pos.healpix", "HEALPix pixel of the coadd: nside 64, nested."
    )


def metadata() -> Iterator[Column]:
    """Yield the columns of HDU METADATA."""
    yield from identity()
    yield Column("TILEID_LIST", "string", "", "meta.id", "Tiles that went into the coadd.", 100)
    yield Column("RA", "double", "deg", "pos.eq.ra;meta.main", "Right ascension, ICRS.")
    yield Column("DEC", "double", "deg", "pos.eq.dec;meta.main", "Declination, ICRS.")
    yield Column("COADD_FIBERSTATUS", "long", "", "meta.code.status", "Bits of the fiber's state.")
    for kind in ("DESI", "BGS", "MWS", "SCND"):
        what = f"Bits that say as what of {kind} it was targeted."
        yield Column(f"{kind}_TARGET", "long", "", "meta.code", what)
    yield Column("Z", "double", "", "src.redshift", "Redshift: Redrock's, or QuasarNet's.")
    yield Column("ZWARN", "long", "", "meta.code.qual", "Bits of Redrock's warnings; 0 is good.")
    yield Column(
        "DELTACHI2", "double", "", "stat.fit.chi2", "Chi squared that the next best fit has more."
    )
    yield Column("SPECTYPE", "string", "", "src.spType", "Class: GALAXY, QSO or STAR.", 6)
    yield Column("SUBTYPE", "string", "", "src.spType", "Class within SPECTYPE.", 20)
    yield Column("Z_RR", "double", "", "src.redshift", "Redshift of Redrock.")
    yield Column("ZWARN_RR", "long", "", "meta.code.qual", "Warnings of Redrock's own redshift.")
    for kind in ("BGS", "LRG", "ELG", "QSO", "LYA"):
        what = f"Signal to noise of a template of {kind} targets, squared."
        yield _real(f"TSNR2_{kind}", "", "stat.snr", what)
    yield Column("PHOTSYS", "string", "", "meta.code", "Photometric system: N or S.", 1)
    yield Column("LS_ID", "long", "", "meta.id", "Number in the Legacy Surveys.")
    for name, what in (("FIBERFLUX", "in a fiber"), ("FIBERTOTFLUX", "of all in a fiber")):
        for band in BANDS[:3]:
            yield _real(f"{name}_{band}", "nmgy", "phot.flux;em.opt", f"{band} flux {what}.")
    for band in BANDS:
        em = "em.IR" if band.startswith("W") else "em.opt"
        yield _real(f"FLUX_{band}", "nmgy", f"phot.flux;{em}", f"{band} flux, without extinction.")
    for band in BANDS:
        yield _real(f"FLUX_IVAR_{band}", "nmgy-2", WEIGHT, f"Inverse variance of the {band} flux.")
    yield _real("EBV", "mag", "phot.color.excess", "Reddening by the Milky Way, E(B-V).")
    for band in BANDS:
        what = f"Share of the {band} light that the Milky Way's dust lets through."
        yield _real(f"MW_TRANSMISSION_{band}", "", "phys.transmission", what)


def specphot() -> Iterator[Column]:
    """Yield the columns of HDU SPECPHOT."""
    yield from identity()
    yield Column("SEED", "long", "", "meta.number", "Seed of the Monte Carlo realizations.")
    what = "Coefficients of the templates of the continuum."
    yield Column("COEFF", "float", DENSITY, "stat.fit.param", what, 5)
    for name, of in (("RCHI2", "spectrum and photometry"), ("RCHI2_LINE", "emission lines"),
                     ("RCHI2_CONT", "continuum"), ("RCHI2_PHOT", "photometry")):  # fmt: skip
        yield _real(name, "", "stat.fit.chi2", f"Reduced chi squared of the fit of {of}.")
    for name, unit, weight, ucd, what in (
        ("VDISP", VELOCITY, ONE_OVER_VELOCITY, "phys.veloc.dispersion", "Dispersion of the stars"),
        ("TAUV", "", "", "phys.absorption.opticalDepth", "Optical depth of dust, V band"),
        ("AGE", "Gyr", "Gyr-2", "time.age", "Age, weighted by light"),
        ("ZZSUN", "", "", "phys.abund.Z", "Metallicity, log of the solar one"),
        ("LOGMSTAR", "Msun", "1/Msun2", "phys.mass", "Stellar mass, log; h = 1, Chabrier's law"),
        ("SFR", "Msun/yr", "yr2/Msun2", "phys.SFR", "Star formation; h = 1, Chabrier's law"),
    ):
        yield _real(name, unit, ucd, f"{what}.")
        yield _real(f"{name}_IVAR", weight, WEIGHT, f"Inverse variance of {name}.")
    yield from _breaks()
    yield from _magnitudes()
    yield from _luminosities()


def _breaks() -> Iterator[Column]:
    ratio = "spect.index;spect.continuum"
    yield _real("DN4000", "", ratio, "Break at 4000 Angstrom, narrow, without emission lines.")
    yield _real("DN4000_OBS", "", ratio, "The same of the spectrum as it was observed.")
    yield _real("DN4000_IVAR", "", WEIGHT, "Inverse variance of both.")
    yield _real("DN4000_MODEL", "", ratio, "The same of the model of the continuum.")
    yield _real("DN4000_MODEL_IVAR", "", WEIGHT, "Inverse variance of DN4000_MODEL.")


def _magnitudes() -> Iterator[Column]:
    for name, bands, of in (("", BANDS[:3], "spectrum"), ("SPECMODEL_", BANDS[:3], "model"),
                            ("PHOTMODEL_", BANDS, "model of the photometry")):  # fmt: skip
        for band in bands:
            what = f"{band} flux, synthesized from the {of}."
            yield _real(f"FLUX_SYNTH_{name}{band}", "nmgy", "phot.flux", what)
    for shift, band, of in ABSOLUTE:
        for synthesized, how in (("", "Absolute"), ("SYNTH_", "Synthesized absolute")):
            name = f"ABSMAG{shift}_{synthesized}{band}"
            yield _real(name, "mag", "phys.magAbs", f"{how} magnitude, {of}; h = 1.")
            weight = f"ABSMAG{shift}_{synthesized}IVAR_{band}"
            yield _real(weight, "mag-2", WEIGHT, f"Inverse variance of {name}.")
    for shift, band, of in ABSOLUTE:
        yield _real(f"KCORR{shift}_{band}", "mag", "arith.factor;phot.mag", f"K correction, {of}.")


def _luminosities() -> Iterator[Column]:
    for wave in ("1500", "2800"):
        yield from _weighed(f"LOGLNU_{wave}", "10**(-28) erg/(s Hz)", "phys.luminosity",
                            f"Luminosity at {wave} Angstrom, log, a Hertz.")  # fmt: skip
    for wave in ("1450", "1700", "3000", "5100"):
        yield from _weighed(f"LOGL_{wave}", "10**10 Lsun", "phys.luminosity",
                            f"Luminosity at {wave} Angstrom, log.")  # fmt: skip
    for line in ("FLYA_1215", "FOII_3727", "FHBETA", "FOIII_5007", "FHALPHA"):
        yield from _weighed(f"{line}_CONT", DENSITY, "phot.flux.density;spect.continuum",
                            f"Continuum at {line[1:]}, in the rest frame.")  # fmt: skip


def _weighed(name: str, unit: str, ucd: str, what: str) -> Iterator[Column]:
    yield _real(name, unit, ucd, what)
    yield _real(f"{name}_IVAR", "", WEIGHT, f"Inverse variance of {name}.")


def fastspec() -> Iterator[Column]:
    """Yield the columns of HDU FASTSPEC."""
    yield from identity()
    for camera in "BRZ":
        yield _real(f"SNR_{camera}", "", "stat.snr", f"Signal to noise a pixel, camera {camera}.")
    for camera in "BRZ":
        what = f"Smooth correction of the continuum, camera {camera}."
        yield _real(f"SMOOTHCORR_{camera}", "%", "arith.factor", what)
    yield _real("APERCORR", "", "arith.factor", "Aperture correction, median of the bands.")
    for band in BANDS[:3]:
        yield _real(f"APERCORR_{band}", "", "arith.factor", f"Aperture correction, {band} band.")
    for name, ucd in (("SIGMA", "spect.line.width;phys.veloc"), ("VSHIFT", "phys.veloc")):
        for kind in ("UV", "NARROW", "BALMER"):
            what = f"{name} that the fit of {kind} lines began with."
            yield _real(f"INIT_{name}_{kind}", VELOCITY, ucd, what)
    what = "Whether a broad Balmer line was seen at first."
    yield Column("INIT_BALMER_BROAD", "boolean", "", "meta.code", what)
    what = "Chi squared that the lines have more without broad ones."
    yield _real("DELTA_LINECHI2", "", "stat.fit.chi2", what)
    what = "Degrees of freedom that they have more."
    yield Column("DELTA_LINENDOF", "int", "", "stat.fit.dof", what)
    yield from _of_lines()


def _of_lines() -> Iterator[Column]:
    for name, of in RATIOS.items():
        yield from _weighed(
            f"{name}_DOUBLET_RATIO", "", "arith.factor;spect.line", f"Ratio of {of}."
        )
    for line in LINES:
        for suffix, unit, ucd, what in OF_A_LINE:
            datatype = "int" if suffix == "NPIX" else "float"
            yield Column(f"{line}_{suffix}", datatype, unit, ucd, what.format(line))
    for line in MOMENTS:
        for number in (1, 2, 3):
            unit = "Angstrom" if number == 1 else f"Angstrom{number}"
            yield from _weighed(f"{line}_MOMENT{number}", unit, "stat.param;spect.line",
                                f"Moment {number} of the pixels of {line}.")  # fmt: skip


TABLES = {
    "metadata": ("What is known of each target besides its spectrum (HDU METADATA).", metadata),
    "specphot": ("Stars and dust of each target (HDU SPECPHOT).", specphot),
    "fastspec": ("Emission lines of each target (HDU FASTSPEC).", fastspec),
}
SOURCE = Column(
    "SOURCE_ID", "int", "", "meta.ref", "File that the row came from: source_id of load_ledger."
)
REQUIRED = ("TARGETID", "RA", "DEC", "Z", "SOURCE_ID")


def felis() -> str:
    """Return the text of the Felis file."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "---"
    yield "# Made by bench/desi/fastspecfit_model.py: change it there."
    yield f"name: {MODEL}"
    yield "'@id': '#schema'"
    yield f"version: '{VERSION}'"
    yield (
        'description: "FastSpecFit iron v3.0, all of its columns, divided by HDU: fastspecfit has'
        ' those that most analyses use"'
    )
    yield "tables:"
    for table, (description, columns) in TABLES.items():
        yield f"  - name: {table}"
        yield f"    '@id': '#{table}'"
        yield f'    description: "{description}"'
        yield f'    primaryKey: ["#{table}.targetid"]'
        yield "    columns:"
        for column in (*columns(), SOURCE):
            yield from _column(table, column)
    yield ""


def _column(table: str, column: Column) -> Iterator[str]:
    name = column.name.lower()
    yield f"      - name: {name}"
    yield f"        '@id': '#{table}.{name}'"
    yield f"        datatype: {column.datatype}"
    if column.datatype == "string":
        yield f"        length: {column.size}"
    elif column.size:
        yield f"        votable:arraysize: '{column.size}'"
    if column.name in REQUIRED:
        yield "        nullable: false"
    if column.unit:
        yield f'        fits:tunit: "{column.unit}"'
    yield f'        ivoa:ucd: "{column.ucd}"'
    yield f'        description: "{column.what}"'


if __name__ == "__main__":
    sys.stdout.write(felis())
