// Icons that the list of conversations does not need.

import { flipping, icon } from "./icons";

export const PlusIcon = icon("M12 5v14", "M5 12h14");
export const BackIcon = flipping("M15 5l-7 7 7 7");
export const SendIcon = icon("M12 19V5", "M5.500 11.500L12 5l6.500 6.500");
export const ReplyIcon = flipping("M9 6L4 11l5 5", "M4 11h9a7 7 0 0 1 7 7");
export const BinIcon = icon("M5 7h14", "M9 7V5h6v2", "M7 7l1 12h8l1-12");
export const SmileIcon = icon(
  "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
  "M8.500 14.200a4.300 4.300 0 0 0 7 0",
  "M9 9.500v.5",
  "M15 9.500v.5",
);
export const DownIcon = icon("M12 5v14", "M5.500 12.500L12 19l6.500-6.500");
export const SearchIcon = icon("M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13z", "M15.500 15.500L20 20");
export const MoreIcon = icon(
  "M12 6.200a.7.7 0 1 0 0-1.400 .7.7 0 0 0 0 1.400z",
  "M12 12.700a.7.7 0 1 0 0-1.400 .7.7 0 0 0 0 1.400z",
  "M12 19.200a.7.7 0 1 0 0-1.400 .7.7 0 0 0 0 1.400z",
);
export const LeaveIcon = flipping("M10 4H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h4", "M15 8l4 4-4 4", "M19 12H9.500");
export const PersonIcon = icon("M12 11.500a4 4 0 1 0 0-8 4 4 0 0 0 0 8z", "M4.500 20a7.500 7.500 0 0 1 15 0");
export const KeyIcon = icon("M8 19.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9z", "M11.200 11.800L19.500 3.500", "M16.500 6.500l3 3");
export const DeviceIcon = icon("M5 5.500h14a1 1 0 0 1 1 1V15H4V6.500a1 1 0 0 1 1-1z", "M2.500 18.500h19");
export const EyeIcon = icon("M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12z", "M12 14.800a2.800 2.800 0 1 0 0-5.600 2.800 2.800 0 0 0 0 5.600z");
export const EyeOffIcon = icon("M4 4l16 16", "M6.500 7C4 8.700 2.500 12 2.500 12S6 18.500 12 18.500c1.700 0 3.200-.5 4.500-1.200", "M10 5.700c.6-.1 1.300-.2 2-.2 6 0 9.500 6.500 9.500 6.500s-.8 1.500-2.300 3.100");
export const BlockIcon = icon("M12 20.500a8.500 8.500 0 1 0 0-17 8.500 8.500 0 0 0 0 17z", "M6 6l12 12");
export const CheckIcon = icon("M5 12.500l4.500 4.500L19 7.500");
export const CopyIcon = icon("M9 9.500h9.500a1 1 0 0 1 1 1V19a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1v-8.500a1 1 0 0 1 1-1z", "M5 15.500a1 1 0 0 1-1-1V5.500a1 1 0 0 1 1-1h9a1 1 0 0 1 1 1");
export const ClockIcon = icon("M12 20.500a8.500 8.500 0 1 0 0-17 8.500 8.500 0 0 0 0 17z", "M12 7.500V12l3 2");
export const AlertIcon = icon("M12 20.500a8.500 8.500 0 1 0 0-17 8.500 8.500 0 0 0 0 17z", "M12 8v4.500", "M12 15.700v.3");
export const SentIcon = icon("M6 12.500l4 4 8.500-9");
export const DeliveredIcon = icon("M2.500 12.500l4 4 8.500-9", "M11 15.500l1 1 8.500-9");
export const ReadIcon = icon("M12 21.500a9.500 9.500 0 1 0 0-19 9.500 9.500 0 0 0 0 19z", "M7.500 12.500l3.200 3.200 6-6.500");
export const LanguageIcon = icon("M12 20.500a8.500 8.500 0 1 0 0-17 8.500 8.500 0 0 0 0 17z", "M3.500 12h17", "M12 3.500c5 5 5 12 0 17", "M12 3.500c-5 5-5 12 0 17");
export const ThemeIcon = icon("M20 14.500A8.500 8.500 0 1 1 9.500 4 7 7 0 0 0 20 14.500z");
export const LinkIcon = icon("M10 14a4 4 0 0 0 5.700.1l3.200-3.200a4 4 0 0 0-5.700-5.700L12 6.400", "M14 10a4 4 0 0 0-5.700-.1l-3.200 3.200a4 4 0 0 0 5.700 5.700L12 17.600");
export const BellIcon = icon("M6 16.500V11a6 6 0 0 1 12 0v5.500l1.500 2h-15z", "M10 20.500a2 2 0 0 0 4 0");
export const RequestIcon = icon("M4 13.500V18a1.500 1.500 0 0 0 1.500 1.500h13A1.500 1.500 0 0 0 20 18v-4.500", "M4 13.500h4.500l1.500 2.500h4l1.500-2.500H20", "M12 3.500v7", "M9 7.800l3 3 3-3");
export const NextIcon = flipping("M9 5l7 7-7 7");
