#!/bin/sh
# .ci/check_layers finds what it should, and nothing else. Usage: check_layers_test.sh PATH_OF_CHECK_LAYERS
set -eu
check=$1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

# refuses FILE INCLUDE: a tree with this one line must fail, and the line must be named.
refuses() {
  rm -rf "$root"/* && mkdir -p "$root/$(dirname "$1")"
  printf '#pragma once\n#include %s\n' "$2" > "$root/$1"
  if output=$("$check" "$root"); then
    echo "accepted: $1 includes $2"
    exit 1
  fi
  case "$output" in
    "$1:2: "*) ;;
    *) echo "does not name $1:2: $output"; exit 1 ;;
  esac
}

# accepts FILE INCLUDE
accepts() {
  rm -rf "$root"/* && mkdir -p "$root/$(dirname "$1")"
  printf '#pragma once\n#include %s\n' "$2" > "$root/$1"
  if ! output=$("$check" "$root"); then
    echo "refused: $output"
    exit 1
  fi
}

refuses config/a.hpp '"runtime/core/error.hpp"'
refuses runtime/core/a.hpp '"actors/messages.hpp"'
refuses actors/a.cpp '"app/node.hpp"'
refuses runtime/core/a.hpp '"../http/message.hpp"'
refuses actors/a.cpp '"tests/support/clock.hpp"'
refuses runtime/core/a.cpp '<caf/all.hpp>'
refuses app/main.cpp '"caf/all.hpp"'
refuses runtime/http/a.cpp '<gumbo.h>'
refuses app/extractor.cpp '<poppler/cpp/poppler-document.h>'

accepts app/main.cpp '"config/load.hpp"'
accepts actors/a.cpp '"runtime/core/error.hpp"'
accepts actors/a.cpp '<caf/all.hpp>'
accepts app/node.cpp '<caf/all.hpp>'
accepts app/node/start.cpp '<caf/all.hpp>'
accepts runtime/parsers/html.cpp '<gumbo.h>'
accepts runtime/core/a.cpp '<string>'
