module bongsu.dev/pause

go 1.26
