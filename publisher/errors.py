"""The one root error of hubpub, and the catalogue of everything that can go wrong.

Standard library only, so that every room may raise these. A code is looked up in `CATALOGUE`, which
says which exit code it ends in and what it means; messages carry what is wrong, where, and what to type next.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple


class Exit(IntEnum):
    """Exit codes, as promised to scripts."""

    DONE = 0
    FAILED = 1  # errors found, or a gate failed
    USAGE = 2  # usage, manifest or policy
    HUB = 3  # the Hub, the network or the rights said no
    MACHINE = 4  # this machine cannot
    INTERRUPTED = 5  # state kept, run again to go on
    BUG = 70


class Kind(NamedTuple):
    """What an error code means: its exit code and one sentence for its page."""

    exit: Exit
    meaning: str


CATALOGUE: dict[str, Kind] = {
    # manifest, project, policy
    "HP-M01": Kind(Exit.USAGE, "The manifest has faults; every one is listed with file, line and column."),
    "HP-M02": Kind(Exit.USAGE, "No release of that name: `model_cards/<name>/release.yaml` does not exist."),
    "HP-M03": Kind(Exit.USAGE, "No project: neither this folder nor a parent holds `model_cards/`."),
    "HP-M04": Kind(Exit.USAGE, "The lock cannot be read as one of ours."),
    "HP-M05": Kind(Exit.USAGE, "The project's policy does not allow this."),
    "HP-M06": Kind(
        Exit.USAGE, "A file that the manifest names, of prose, of text or of a picture, does not exist."
    ),
    "HP-M07": Kind(
        Exit.USAGE, "Weights, data or configuration differ from what this version was released with."
    ),
    "HP-M09": Kind(
        Exit.USAGE, "The command line asks for something that does not exist or does not fit together."
    ),
    "HP-M10": Kind(Exit.USAGE, "The manifest asks for something this version of hubpub cannot make."),
    "HP-M11": Kind(
        Exit.USAGE, "The manifest holds `?? …`: something that its author has to answer, confirm or drop."
    ),
    "HP-M13": Kind(
        Exit.USAGE,
        "A signing key cannot be used: it is no such key, is not the pair's, or lies in the project.",
    ),
    "HP-M12": Kind(Exit.USAGE, "A stand-in's weights go to no Hub but one on this machine."),
    "HP-M14": Kind(Exit.USAGE, "Neither the manifest nor the base's own card says under which licence."),
    # base model
    "HP-B01": Kind(Exit.HUB, "The base model does not exist on the Hub."),
    "HP-B02": Kind(Exit.HUB, "The base model is gated and this account may not read it."),
    "HP-B03": Kind(Exit.MACHINE, "The package that carries the base weights is not installed."),
    "HP-B04": Kind(Exit.USAGE, "The base folder holds no model that can be loaded."),
    "HP-B05": Kind(
        Exit.USAGE, "The base has no chat template, or one that prompt and answer cannot be told apart by."
    ),
    # adapter
    "HP-A01": Kind(Exit.FAILED, "The adapter was made for another base: shapes or layers do not fit."),
    "HP-A02": Kind(Exit.FAILED, "The adapter's tensors have another rank than its configuration says."),
    "HP-A03": Kind(Exit.FAILED, "The adapter holds NaN or infinite values."),
    "HP-A04": Kind(Exit.FAILED, "Every B matrix is zero: the adapter was never trained and changes nothing."),
    "HP-A05": Kind(Exit.FAILED, "An adapter tensor finds no weight in the base, or a target no tensor."),
    "HP-A06": Kind(Exit.FAILED, "The adapter uses a feature that cannot be merged here."),
    "HP-A07": Kind(Exit.USAGE, "The adapter folder is incomplete."),
    "HP-A08": Kind(
        Exit.USAGE,
        "What another program wrote down, of a training or of benchmarks, cannot be read, or is a pickle.",
    ),
    "HP-A09": Kind(
        Exit.FAILED,
        "Two sources contradict each other about the training or a benchmark, or the weights contradict one.",
    ),
    # data
    "HP-D01": Kind(Exit.FAILED, "The dataset has no rows."),
    "HP-D02": Kind(Exit.FAILED, "The dataset's columns are not those that training needs."),
    "HP-D03": Kind(
        Exit.FAILED,
        "A scene is malformed: boxes outside the image, duplicate ids, nothing in it, a mask that does not decode, "
        "an image that is missing.",
    ),
    "HP-D04": Kind(Exit.FAILED, "An example is longer than `max_length`; examples are refused, never cut."),
    "HP-D05": Kind(Exit.FAILED, "The dataset does not load as its users would load it."),
    "HP-D06": Kind(
        Exit.FAILED,
        "Rows are malformed: turns out of order, empty texts, no answer, images that are not there.",
    ),
    # the language model that enhances a dataset
    "HP-L01": Kind(Exit.HUB, "There is no key for the language model's endpoint, or it is not accepted."),
    "HP-L02": Kind(
        Exit.HUB, "The language model's endpoint cannot be reached, gives no answers, or refuses the request."
    ),
    "HP-L03": Kind(
        Exit.FAILED, "The language model's answers are of no use for more items than the manifest allows."
    ),
    # weights
    "HP-W01": Kind(Exit.FAILED, "A safetensors file is damaged: its header or length is wrong."),
    "HP-W02": Kind(Exit.FAILED, "The shard index names files or tensors that are not there."),
    "HP-W03": Kind(Exit.FAILED, "Pickled weights are refused: loading them runs code."),
    "HP-W04": Kind(Exit.FAILED, "A GGUF file is damaged, or one of its parts is missing."),
    "HP-W05": Kind(
        Exit.FAILED,
        "Weights that were quantized elsewhere are of another form, or of another model, than is said.",
    ),
    # engine
    "HP-E01": Kind(Exit.MACHINE, "A package that this stage needs is not installed."),
    "HP-E02": Kind(Exit.MACHINE, "The worker process died."),
    "HP-E03": Kind(Exit.FAILED, "The model did not load cleanly: keys missing, unexpected or mismatched."),
    "HP-E04": Kind(Exit.FAILED, "A smoke prompt's expectation was not met."),
    "HP-E05": Kind(Exit.FAILED, "The model's outputs are not finite."),
    "HP-E06": Kind(Exit.FAILED, "The merged model is not base plus adapter."),
    "HP-E07": Kind(Exit.FAILED, "The training loss is not finite."),
    "HP-E08": Kind(Exit.FAILED, "A code block of the card does not run."),
    "HP-E09": Kind(Exit.FAILED, "A quality gate of the manifest was missed."),
    "HP-E10": Kind(Exit.FAILED, "The adapter does not change the model's output."),
    # this machine
    "HP-X01": Kind(Exit.MACHINE, "The disk has too little room."),
    "HP-X02": Kind(Exit.MACHINE, "There is too little memory."),
    "HP-X03": Kind(Exit.MACHINE, "Another run of the same release holds the lock."),
    "HP-X04": Kind(Exit.MACHINE, "The port that the embedded Hub or the preview was to listen on is taken."),
    "HP-X05": Kind(Exit.MACHINE, "Several training processes cannot run here: no loopback, or too few GPUs."),
    "HP-X06": Kind(Exit.MACHINE, "The private key that releases are signed with is not on this machine."),
    # the Hub
    "HP-H01": Kind(Exit.HUB, "The Hub cannot be reached."),
    "HP-H02": Kind(Exit.HUB, "There is no token for this Hub, or it is not valid."),
    "HP-H03": Kind(Exit.HUB, "The token lacks the right to do this."),
    "HP-H04": Kind(Exit.HUB, "The repo, revision or file does not exist on the Hub."),
    "HP-H05": Kind(
        Exit.HUB,
        "Someone else changed the repo between plan and promotion, or has a name that we would take.",
    ),
    "HP-H06": Kind(Exit.HUB, "The Hub refused the request."),
    # release
    "HP-R01": Kind(Exit.FAILED, "What the Hub serves is not what was sent."),
    "HP-R02": Kind(
        Exit.USAGE, "Nothing of this version is staged and verified, so there is nothing to promote."
    ),
    "HP-R03": Kind(Exit.USAGE, "The artifacts of this version are neither here nor on the Hub."),
    "HP-R04": Kind(Exit.USAGE, "The plan was not confirmed."),
    "HP-R05": Kind(Exit.FAILED, "The plan would change the Hub, and it was asked to fail then."),
    "HP-R06": Kind(Exit.FAILED, "The Hub differs from what was released there."),
    "HP-R08": Kind(Exit.USAGE, "This version was withdrawn by a rollback, and is not released again."),
    "HP-R09": Kind(
        Exit.FAILED,
        "A repo's files are not signed by this key: the signature is missing, broken or another's.",
    ),
    # cards and checks
    "HP-C01": Kind(Exit.FAILED, "A template asks for a fact that no stage measured."),
    "HP-C02": Kind(Exit.USAGE, "A template has an error."),
    "HP-C03": Kind(Exit.FAILED, "The cards on disk are not what the facts and prose render to."),
    "HP-C04": Kind(Exit.FAILED, "The evidence file of a fact changed after it was measured."),
    "HP-C05": Kind(
        Exit.USAGE, "A prose file, a picture in it, or the finished card is nothing that the Hub could show."
    ),
    "HP-K01": Kind(Exit.FAILED, "The check found errors."),
    # everything else
    "HP-I01": Kind(Exit.INTERRUPTED, "Interrupted; what was done is kept."),
    "HP-Z01": Kind(Exit.BUG, "A bug of ours."),
}


class HubpubError(Exception):
    """Everything that hubpub refuses, with its code, its place and its mend.

    Attributes:
        code: a key of `CATALOGUE`.
        what: one sentence, without a full stop: what is wrong.
        where: file:line, repo or path the fault was met at; None where there is no such place.
        hint: what to do, best a command to type.
        data: the facts behind the message, for tests and for `--format json`.
    """

    def __init__(self, code: str, what: str, *, hint: str, where: str | None = None, **data: Any) -> None:
        self.code = code
        self.what = what
        self.where = where
        self.hint = hint
        self.data = data
        super().__init__(f"{code}: {what}")

    @property
    def exit_code(self) -> Exit:
        """The exit code that this error ends the program with."""
        return CATALOGUE[self.code].exit
