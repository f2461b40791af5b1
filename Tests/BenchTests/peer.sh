#!/bin/sh
# What a test calls a peer: a link to this file, and beside it what the peer does. That is read and
# not executed: a file that was just written can't be, while another process may have it open.
. "$0.sh"
