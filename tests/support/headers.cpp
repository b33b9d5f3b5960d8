// The translation unit behind the precompiled headers of the tests.
