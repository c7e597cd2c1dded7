#!/bin/sh
# Prints success, failed or running for a job. While the controller does not answer, it runs. One that Slurm has forgotten has
# ended: Snakemake looks for its files.
state=$(squeue --jobs="$1" --states=all --noheader --format=%T 2>&1)
case $state in
COMPLETED | *"Invalid job id"*) echo success ;;
BOOT_FAIL | CANCELLED | DEADLINE | FAILED | NODE_FAIL | OUT_OF_MEMORY | PREEMPTED | REVOKED | TIMEOUT) echo failed ;;
*) echo running ;;
esac
