package photo

import (
	"bytes"
	"encoding/binary"
)

// orientation is how the camera was held, 1 to 8 as Exif counts; 1 if the file does not
// say, or says it in a way that cannot be read.
func orientation(raw []byte) int {
	switch {
	case bytes.HasPrefix(raw, []byte{0xff, 0xd8}):
		return held(exifOfJPEG(raw[2:]))
	case bytes.HasPrefix(raw, []byte("RIFF")) && len(raw) > 12:
		return held(exifOfWebP(raw[12:]))
	}
	return 1
}

// exifOfJPEG is the Exif of the segments before the picture.
func exifOfJPEG(segments []byte) []byte {
	for len(segments) >= 4 && segments[0] == 0xff {
		kind, length := segments[1], int(binary.BigEndian.Uint16(segments[2:]))
		if kind == 0xda || length < 2 || len(segments) < 2+length { // the picture begins
			return nil
		}
		body := segments[4 : 2+length]
		if kind == 0xe1 && bytes.HasPrefix(body, []byte("Exif\x00\x00")) {
			return body[6:]
		}
		segments = segments[2+length:]
	}
	return nil
}

func exifOfWebP(chunks []byte) []byte {
	for len(chunks) >= 8 {
		length := int(binary.LittleEndian.Uint32(chunks[4:]))
		if length > len(chunks)-8 {
			return nil
		}
		if string(chunks[:4]) == "EXIF" {
			return bytes.TrimPrefix(chunks[8:8+length], []byte("Exif\x00\x00"))
		}
		chunks = chunks[8+min(length+length%2, len(chunks)-8):]
	}
	return nil
}

const tagOrientation = 0x0112

// held reads the orientation from the first directory of the Exif's TIFF.
func held(tiff []byte) int {
	var order binary.ByteOrder
	switch {
	case len(tiff) < 8:
		return 1
	case string(tiff[:2]) == "II":
		order = binary.LittleEndian
	case string(tiff[:2]) == "MM":
		order = binary.BigEndian
	default:
		return 1
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return 1
		}
		if order.Uint16(entries) == tagOrientation {
			return int(order.Uint16(entries[8:]))
		}
		entries = entries[12:]
	}
	return 1
}
