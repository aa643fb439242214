"""The words everyone shares: frozen values without I/O, clock or Temporal."""

from contracts.alert import Alert as Alert
from contracts.case import Case as Case
from contracts.case import Outcome as Outcome
from contracts.step import Evidence as Evidence
from contracts.step import Receipt as Receipt
from contracts.target import Target as Target
