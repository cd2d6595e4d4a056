module pilothouse.example/toolchain/pause

go 1.24.0
