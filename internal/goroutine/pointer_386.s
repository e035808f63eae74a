//go:build gc && !purego

#include "textflag.h"

// func Pointer() uintptr
TEXT ·Pointer(SB), NOSPLIT, $0-4
	MOVL (TLS), AX
	MOVL AX, ret+0(FP)
	RET
