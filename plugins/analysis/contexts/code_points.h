// Characters of UTF-8 as Python's str has them: broken bytes, white space, lower case.
#pragma once

#include <string>

/// Each longest piece of broken UTF-8 becomes one U+FFFD, as in bytes.decode(errors="replace").
std::string whole_text(const std::string& bytes);
/// Without white space at both ends, that of Unicode (str.strip).
std::string stripped(const std::string& text);
/// str.lower for characters below U+0180, which has all of the byte alphabet; others stay.
std::string lowered(const std::string& text);
