#!/bin/sh
# Runs the command as it is. Snakemake in a folder without a workflow of its own gets the image's.
set -eu

code=/opt/hw1

if [ "${1-}" = snakemake ] && [ ! -w . ]; then
    echo "$PWD cannot be written by user $(id -u): mount a folder of that user, or give --user \"\$(id -u):\$(id -g)\"." >&2
    exit 1
fi

if [ -e Snakefile ]; then
    unset ABLATION_REVISION # a mounted checkout: its code is not of the image's revision
elif [ "${1-}" = snakemake ]; then
    shift
    own=yes
    for word; do
        shift
        case $word in
        -s | --snakefile | --snakefile=*) own=no ;;
        # A variant named as in the project, such as config/smoke.yaml.
        config/*.yaml) [ -e "$word" ] || [ ! -e "$code/$word" ] || word=$code/$word ;;
        esac
        set -- "$@" "$word"
    done
    if [ $own = yes ]; then
        set -- --snakefile "$code/Snakefile" "$@"
    fi
    set -- snakemake "$@"
fi

# For `--logger ablation`. Jobs set a PYTHONPATH of their own.
if [ "${1-}" = snakemake ]; then
    workflow=$code/workflow
    [ ! -e workflow/plugins ] || workflow=$PWD/workflow
    export PYTHONPATH="$workflow:$workflow/plugins${PYTHONPATH:+:$PYTHONPATH}"
fi

exec "$@"
