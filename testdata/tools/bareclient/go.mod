module nodecompat/testdata/tools/bareclient

go 1.26.0
