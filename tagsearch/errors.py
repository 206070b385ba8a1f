"""The tree of all errors. One class per reaction of the caller.

Every message is one line: the rule, the value received, the way on. `exit_code` is what the command line returns
(0 done, 1 runtime failure, 2 bad file or flags and nothing started, 3 finished but some trials failed,
4 stopped by budget or user, 5 a hypothesis that had to be confirmed is not, 130 Ctrl-C).
"""


class TagsearchError(Exception):
    """Something tagsearch can explain in one line."""

    exit_code = 1


class UsageError(TagsearchError):
    """A flag, name or path the user typed is wrong; nothing was started."""

    exit_code = 2


class StudyError(UsageError):
    """A study file breaks a rule. The message begins with `file:line:` where the line is known."""


class UnknownNameError(UsageError):
    """A name is not in the registry; the message lists the nearest ones."""


class CorpusError(UsageError):
    """A corpus is missing, unreadable or not what its description says."""


class MissingCorpusError(CorpusError):
    """The folder of a corpus or the label file in it is not there: a wrong path, or a disk that is not mounted."""


class BadAudioError(TagsearchError):
    """An audio file cannot be used; it is left out and listed. `reason`: the few words that such files are counted by;
    `detail`: what is particular to this one."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason} ({detail})" if detail else reason)
        self.reason = reason
        self.detail = detail


class RecordError(TagsearchError):
    """A run folder or a file in it is missing, damaged or of another version."""


class AnalysisError(TagsearchError):
    """The records do not allow the analysis that was asked for."""


class TrialDivergedError(TagsearchError):
    """A loss or metric became NaN or infinite. A result of the trial, not a failure of the program."""


class StorageUnseenError(TagsearchError):
    """A machine of the cluster does not see the storage of the run; no fault of the trial that was to run there."""


class ClusterError(TagsearchError):
    """A Ray cluster refuses what it was asked, or does not answer any more."""


class NotReadyError(TagsearchError):
    """`tagsearch doctor` found what would make a run fail."""


class StorageError(TagsearchError):
    """The storage is full or cannot be used any more: no fault of the trials, which stay unfinished; `tagsearch
    resume` goes on."""


class RunFailedError(TagsearchError):
    """Nothing usable finished."""


class SomeTrialsFailedError(TagsearchError):
    """The run finished, but some trials failed; the others are usable."""

    exit_code = 3


class StoppedError(TagsearchError):
    """The run was stopped by its time budget or by the user; `tagsearch resume` goes on."""

    exit_code = 4


class NotConfirmedError(TagsearchError):
    """A script asked for hypotheses to be confirmed, and one is not: an answer, no failure of the program."""

    exit_code = 5


class InterruptedRunError(StoppedError):
    """Ctrl-C: what was running is on disk; `tagsearch resume` goes on."""

    exit_code = 130
