"""Make ``python/demoscope/surveys/data/ces2016.parquet``, the sample of people that comes with the package.

    python tools/embed_ces2016.py ces2016.csv

The argument is a CSV file of the 2016 CCES Common Content in the coding of data set TV16 of the R package stevedata:
one line for each respondent, with (at least) the columns below; an empty cell is a missing answer.
The sample is a simple random one of 600 respondents in each of the four states with most respondents in our extract.
A respondent is drawn if the BLAKE2b hash of seed, state and id is among the 600 smallest of the state, which any
language can repeat; rows are sorted by state and id.
The first rows of the file would be no random sample: they have fewer missing answers than the rest.
"""

from __future__ import annotations

import sys
from hashlib import blake2b
from pathlib import Path

import polars as pl

SEED = 2016
SIZE = 600
STATES = ("Georgia", "New York", "Ohio", "Texas")
TARGET = Path(__file__).parents[1] / "python/demoscope/surveys/data/ces2016.parquet"

COLUMNS: dict[str, pl.DataType] = {
    "uid": pl.Int32(),
    "state": pl.String(),
    "age": pl.Int16(),
    "female": pl.Int8(),
    "collegeed": pl.Int8(),
    "racef": pl.String(),
    "famincr": pl.Int8(),
    "ideo": pl.Int8(),
    "pid7na": pl.Int8(),
    "bornagain": pl.Int8(),
    "religimp": pl.Int8(),
    "churchatd": pl.Int8(),
    "prayerfreq": pl.Int8(),
    "angryracism": pl.Int8(),
    "whiteadv": pl.Int8(),
    "fearraces": pl.Int8(),
    "racerare": pl.Int8(),
}


def sample(source: Path) -> pl.DataFrame:
    """Draw the sample from the CSV file ``source``."""
    people = pl.read_csv(source, columns=list(COLUMNS), infer_schema=False).select(
        pl.col(name).cast(dtype) for name, dtype in COLUMNS.items()
    )
    drawn = [
        sorted(people.filter(pl.col("state") == state)["uid"], key=lambda uid, state=state: _rank(state, uid))[:SIZE]
        for state in STATES
    ]
    return people.filter(pl.col("uid").is_in([uid for uids in drawn for uid in uids])).sort("state", "uid")


def _rank(state: str, uid: int) -> bytes:
    return blake2b(f"{SEED}|{state}|{uid}".encode(), digest_size=16).digest()


if __name__ == "__main__":
    sample(Path(sys.argv[1])).write_parquet(TARGET, compression="zstd", compression_level=19, statistics=False)
