select n from destruction
