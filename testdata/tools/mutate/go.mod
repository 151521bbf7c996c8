module nodecompat/testdata/tools/mutate

go 1.26.0
