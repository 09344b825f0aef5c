// Icons of files, of what is done with them, and of recordings.

import { icon } from "./icons";

export const AttachIcon = icon("M20 11.500l-8.200 8.200a5 5 0 0 1-7.100-7.100l8.600-8.600a3.400 3.400 0 0 1 4.800 4.800l-8.500 8.500a1.700 1.700 0 0 1-2.400-2.400l7.600-7.600");
export const FileIcon = icon("M7 3.500h7l4.500 4.500v11a1.500 1.500 0 0 1-1.500 1.500H7A1.500 1.500 0 0 1 5.500 19V5A1.500 1.500 0 0 1 7 3.500z", "M14 3.500V8h4.500");
export const ImageIcon = icon("M5 4.500h14a1.500 1.500 0 0 1 1.500 1.500v12a1.500 1.500 0 0 1-1.500 1.500H5A1.500 1.500 0 0 1 3.500 18V6A1.500 1.500 0 0 1 5 4.500z", "M4 16l4.500-4.500 4 4 3-3L20 17", "M15.500 9.800a.8.8 0 1 0 0-1.600 .8.8 0 0 0 0 1.600z");
export const DownloadIcon = icon("M12 4v11", "M7 10.500l5 5 5-5", "M5 19.500h14");
export const PlayIcon = icon("M8 5.500v13l10.500-6.500z");
export const StopIcon = icon("M7 7h10v10H7z");
export const MicrophoneIcon = icon("M12 14.500a3.500 3.500 0 0 0 3.500-3.500V7a3.500 3.500 0 0 0-7 0v4a3.500 3.500 0 0 0 3.500 3.500z", "M5.500 11a6.500 6.500 0 0 0 13 0", "M12 17.500V21");
export const RetryIcon = icon("M19.500 12a7.500 7.500 0 1 1-2.300-5.400L19.500 9", "M19.500 4.500V9H15");
export const ZoomInIcon = icon("M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13z", "M15.500 15.500L20 20", "M10.500 7.500v6", "M7.500 10.500h6");
export const ZoomOutIcon = icon("M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13z", "M15.500 15.500L20 20", "M7.500 10.500h6");
