#pragma once

// Moves standard input to standard output, at most SIZE bytes a call, until end of file.
void copy_limit(long size);
