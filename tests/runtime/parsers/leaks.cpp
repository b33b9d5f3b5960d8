// Called by the leak sanitizer where it is on: fontconfig keeps a pattern for ever (256 bytes once,
// not a document).
extern "C" const char* __lsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
  return "leak:libfontconfig.so";
}
