"""Runs the bad or good program of a rule about several ranks."""

import sys

import torch

from tracer.diagnosis.rank_rules import all_rank_rules

rule = next(rule for rule in all_rank_rules() if rule.code == sys.argv[1])
getattr(rule, sys.argv[2])(torch)
