# Fields, arrays, sums, substitution.
BEGIN {
	for (n = 0; n < 120000; n++) {
		line = "item" n % 997 " " n * 3 % 101 " some more words " n
		count = split(line, field, " ")
		sum[field[1]] += field[2]
		gsub(/o/, "0", line)
		letters += length(line) + count
	}
	for (name in sum) all += sum[name]
	print letters, all
}
