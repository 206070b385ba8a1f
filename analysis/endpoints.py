"""What a claim measures: tagsearch.study.endpoints, which plans need too."""

from tagsearch.study.endpoints import METRIC_NAMES as METRIC_NAMES
from tagsearch.study.endpoints import Endpoint as Endpoint
from tagsearch.study.endpoints import endpoint as endpoint
