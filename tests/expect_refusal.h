// Asserts that a piece of code is refused with exactly the given text.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "facet/error.h"

/// The whole message of the UserError that `code` throws.
template <class Code>
std::string refusal_of(Code&& code) {
  try {
    code();
  } catch (const facet::UserError& e) {
    return e.what();
  }
  return "(no refusal)";
}
