// precompiled.h, and what most tests include beside it.

#include <doctest/doctest.h>

#include "tests/support/precompiled.h"
