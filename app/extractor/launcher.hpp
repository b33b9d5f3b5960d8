// millrace-extractor --sandbox -- COMMAND [ARGUMENT...]: becomes a parser of the user's own
// ([[extractor]] in the configuration), which finds the node's socket as descriptor 3.
//
// The command may start threads and programs (64 at once, in the node's process group, so that all
// end with it), reads /usr and its own folder, and has no network and writes nothing. Memory and
// CPU time are limited a process, not in sum; the time-out ends them all.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace millrace::extraction {

/// Does not return where it succeeds; else the exit code that says why, with a sentence on stderr.
int run_in_sandbox(std::span<char* const> command);

/// What of the disk belongs to a command: the folder of each word that names a file, links
/// followed; the file alone where its folder is more than a parser's (a home, /etc, /tmp, /).
std::vector<std::string> folders_of(std::span<const std::string> words);

}  // namespace millrace::extraction
