module codeforge

go 1.26
