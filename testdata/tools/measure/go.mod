module nodecompat/testdata/tools/measure

go 1.26.0
