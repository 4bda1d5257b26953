// How the process takes memory from the system.
#pragma once

namespace facet {

/// A training asks for the same large blocks at every step; glibc would give them back each time
/// and take them again page by page. From here on blocks of up to 32 MiB are kept for the next
/// step. Does nothing where the C library is another one.
void keep_large_blocks();

}  // namespace facet
