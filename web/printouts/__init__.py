"""What is printed and exported, in the words of the pages: rows in, words out (`documents.printout`)."""
