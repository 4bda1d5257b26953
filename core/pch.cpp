// Carries the precompiled header of the tree; see target_precompile_headers in this folder.
