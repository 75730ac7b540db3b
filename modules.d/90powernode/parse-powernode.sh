#!/bin/sh
# dracut cmdline hook, sourced: the root is ours to find, whatever root= says.
# root and rootok are read by dracut's init.
# shellcheck disable=SC2034
root=powernode
# shellcheck disable=SC2034
rootok=1
